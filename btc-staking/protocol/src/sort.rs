//! Sorting in few instructions.
//!
//! The standard library's sorts are fast and cost a contract 20 kB for each type that is sorted; a heap sort of
//! forty lines does for keys, inputs and timestamps, in `n log n` steps whatever the input.

/// Sorts in place, ascending. Equal items may change places.
pub(crate) fn heap_sort<T: Ord>(items: &mut [T]) {
    let len = items.len();
    for root in (0..len >> 1).rev() {
        sift_down(items, root, len);
    }
    for end in (1..len).rev() {
        items.swap(0, end);
        sift_down(items, 0, end);
    }
}

/// Lets the item at `root` sink until both its children below `end` are not above it.
fn sift_down<T: Ord>(items: &mut [T], mut root: usize, end: usize) {
    loop {
        let left = root.saturating_mul(2).saturating_add(1);
        let right = left.saturating_add(1);
        let child = if right < end && items.get(left) < items.get(right) { right } else { left };
        if child >= end || items.get(root) >= items.get(child) {
            return;
        }
        items.swap(root, child);
        root = child;
    }
}

#[cfg(test)]
mod tests {
    use super::heap_sort;
    use proptest::prelude::*;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn sorts_as_the_standard_library_does(mut items in any::<Vec<u16>>()) {
            let mut expected = items.clone();
            expected.sort_unstable();
            heap_sort(&mut items);
            prop_assert_eq!(items, expected);
        }
    }
}
