//! Trends of the operations that `mesh-bench native` times once: Criterion keeps the last run and says what changed.
//!
//! In this folder, `cargo bench` for all, `cargo bench -- eots` for some.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

fn trends(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("native");
    group.sample_size(20);
    for (name, prepare) in mesh_trends::native::table() {
        let (mut op, mut turn) = (prepare(), 0);
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                op(turn);
                turn += 1;
            });
        });
    }
    group.finish();
}

criterion_group!(benches, trends);
criterion_main!(benches);
