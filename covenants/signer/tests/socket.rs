//! The signer as a client meets it: over its socket, with its folder on disk.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "../../committee/tests/world/mod.rs"]
mod world;

use mesh_signer::{Home, Role, ask_status};
use staking_api::signer::{
    Answer, Ask, Commit, Domain, MAX_FRAME, Presign, Refused, Request, Response, frame, frame_length, unframe,
};
use staking_api::staking::Params;
use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// Makes a signer's folder with the key of `secret`.
fn prepare(dir: &Path, role: Role, secret: u8, params: &[Params]) {
    Home::init(dir, role).unwrap();
    private(&dir.join("passphrase"), "a test guards nothing\n");
    let config = fs::read_to_string(dir.join("config.toml")).unwrap();
    let passphrase = format!("passphrase_file = {:?}\n", dir.join("passphrase"));
    fs::write(dir.join("config.toml"), passphrase + &config).unwrap();
    private(&dir.join("import"), &format!("{secret:02x}").repeat(32));
    let home = Home::open(dir).unwrap();
    home.import_key(&dir.join("import")).unwrap();
    for (version, params) in params.iter().enumerate() {
        let file = dir.join(format!("params-{version}.json"));
        fs::write(&file, serde_json::to_vec(params).unwrap()).unwrap();
        home.add_params(u32::try_from(version).unwrap(), &file).unwrap();
    }
}

/// A signer at work on a thread.
struct Running {
    home: Arc<Home>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start(dir: &Path) -> Self {
        let home = Arc::new(Home::open(dir).unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        let (ready, is_ready) = mpsc::channel();
        let (served, flag) = (Arc::clone(&home), Arc::clone(&stop));
        let thread = std::thread::spawn(move || served.serve(&flag, || ready.send(()).unwrap()).unwrap());
        is_ready.recv().unwrap();
        Self { home, stop, thread: Some(thread) }
    }

    fn send(&self, bytes: &[u8]) -> Response {
        let mut stream = UnixStream::connect(self.home.socket()).unwrap();
        stream.write_all(bytes).unwrap();
        let mut prefix = [0; 4];
        stream.read_exact(&mut prefix).unwrap();
        let mut body = vec![0; frame_length(prefix).unwrap() as usize];
        stream.read_exact(&mut body).unwrap();
        unframe(&body).unwrap()
    }

    fn ask(&self, ask: Ask) -> Answer {
        let id = vec![4, 2];
        let response = self.send(&frame(&Request { id: id.clone(), ask: Some(ask) }));
        assert_eq!(response.id, id, "an answer repeats the request's id");
        response.answer.unwrap()
    }

    fn refusal(&self, ask: Ask) -> Refused {
        match self.ask(ask) {
            Answer::Refused(refused) => refused,
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.home.stop(&self.stop);
        self.thread.take().unwrap().join().unwrap();
    }
}

fn commit() -> Ask {
    let domain = Domain { consumer: "mesh-1".to_owned(), contract: "mesh1finality".to_owned() };
    Ask::Commit(Commit { domain: Some(domain), start: 1, count: 8 })
}

#[test]
fn a_covenant_signer_signs_once_pinned_and_goes_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path(), Role::Covenant, world::MEMBER, &[world::api_params()]);
    let signer = Running::start(dir.path());
    let request = world::presign();
    let Answer::Presigned(first) = signer.ask(Ask::Presign(request.clone())) else { panic!("not signed") };
    assert_eq!((first.slashing.len(), first.unbonding.len(), first.unbonding_slashing.len()), (1, 64, 1));
    drop(signer);
    let signer = Running::start(dir.path());
    assert!(matches!(signer.ask(Ask::Presign(request)), Answer::Presigned(_)), "asking again is no offence");
    let status = ask_status(&dir.path().join("signer.sock")).unwrap();
    assert_eq!((status.role.as_str(), status.refused), ("covenant", 0));
    assert_eq!(status.public_key, world::key(world::MEMBER));
}

/// A1: one staking output never gets a second unbonding transaction, though two parameter versions would allow it.
#[test]
fn a_second_unbonding_transaction_of_a_stake_is_refused_across_versions_and_restarts() {
    let mut cheaper = world::api_params();
    cheaper.unbonding_fee_sat -= 100;
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path(), Role::Covenant, world::MEMBER, &[world::api_params(), cheaper.clone()]);
    let signer = Running::start(dir.path());
    assert!(matches!(signer.ask(Ask::Presign(world::presign())), Answer::Presigned(_)));
    drop(signer);
    let signer = Running::start(dir.path());
    let cheaper = staking_protocol::params::Params::try_from(&cheaper).unwrap();
    let other = world::presign_under(&cheaper, 1);
    assert_eq!(other.staking_tx, world::presign().staking_tx, "the same stake");
    let refused = signer.refusal(Ask::Presign(other));
    assert_eq!(refused.code, "POLICY");
    assert!(refused.reason.contains("first-unbonding"), "{}", refused.reason);
}

#[test]
fn a_version_that_is_not_pinned_is_not_signed() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path(), Role::Covenant, world::MEMBER, &[world::api_params()]);
    let signer = Running::start(dir.path());
    let refused = signer.refusal(Ask::Presign(Presign { params_version: 1, ..world::presign() }));
    assert_eq!(refused.code, "PARAMS_UNPINNED");
}

#[test]
fn a_spoiled_request_is_refused_with_the_rule() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path(), Role::Covenant, world::MEMBER, &[world::api_params()]);
    let signer = Running::start(dir.path());
    let mut request = world::presign();
    request.staker_slashing_sigs[0][40] ^= 1;
    let refused = signer.refusal(Ask::Presign(request));
    assert_eq!(refused.code, "POLICY");
    assert!(refused.reason.contains("staker-slashing-signature"), "{}", refused.reason);
}

#[test]
fn a_pinned_version_never_changes() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path(), Role::Covenant, world::MEMBER, &[world::api_params()]);
    let home = Home::open(dir.path()).unwrap();
    let file = dir.path().join("params-0.json");
    home.add_params(0, &file).unwrap();
    let mut other = world::api_params();
    other.unbonding_fee_sat += 1;
    fs::write(&file, serde_json::to_vec(&other).unwrap()).unwrap();
    assert!(home.add_params(0, &file).unwrap_err().to_string().contains("never changes"));
    assert_eq!(home.pinned().unwrap(), [0]);
}

#[test]
fn a_signer_does_nothing_of_the_other_role() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    prepare(dirs[0].path(), Role::Covenant, world::MEMBER, &[]);
    prepare(dirs[1].path(), Role::Eots, 7, &[]);
    let (covenant, eots) = (Running::start(dirs[0].path()), Running::start(dirs[1].path()));
    assert_eq!(covenant.refusal(commit()).code, "BAD_REQUEST");
    assert_eq!(eots.refusal(Ask::Presign(world::presign())).code, "BAD_REQUEST");
    assert!(matches!(eots.ask(commit()), Answer::Committed(_)));
}

#[test]
fn what_is_no_request_is_answered_and_the_next_client_is_served() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path(), Role::Eots, 7, &[]);
    let signer = Running::start(dir.path());
    let garbage = [[0, 0, 0, 3].as_slice(), &[0xff; 3]].concat();
    let empty = frame(&Request { id: vec![1], ask: None });
    for bytes in [(MAX_FRAME + 1).to_be_bytes().as_slice(), &garbage, &empty] {
        match signer.send(bytes).answer {
            Some(Answer::Refused(refused)) => assert_eq!(refused.code, "BAD_REQUEST"),
            other => panic!("{other:?}"),
        }
    }
    drop(UnixStream::connect(dir.path().join("signer.sock")).unwrap());
    assert!(matches!(signer.ask(commit()), Answer::Committed(_)));
}

#[test]
fn two_signers_never_share_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path(), Role::Eots, 7, &[]);
    let _first = Running::start(dir.path());
    let second = Home::open(dir.path()).unwrap().serve(&Arc::new(AtomicBool::new(false)), || ());
    assert!(second.unwrap_err().to_string().contains("another signer runs"));
}

#[test]
fn the_socket_is_for_its_owner_and_goes_with_the_signer() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path(), Role::Eots, 7, &[]);
    let socket = dir.path().join("signer.sock");
    let signer = Running::start(dir.path());
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    drop(signer);
    assert!(!socket.exists());
}
