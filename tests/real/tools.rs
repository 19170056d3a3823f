//! Where the installed parts are, and running them for a bounded time.

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// How long a program may take. Far more than any does, so that a slow machine does not fail a test.
const PATIENCE: Duration = Duration::from_secs(120);

/// What `scripts/install-test-tools.sh` fills.
pub(crate) fn folder() -> PathBuf {
    root().join("target/test-tools")
}

/// A script of these tests.
pub(crate) fn script(name: &str) -> PathBuf {
    root().join("tests/real").join(name)
}

/// What operators have their MTA bring reports with.
pub(crate) fn report_script() -> PathBuf {
    root().join("scripts/report-to-sendlet")
}

fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// Returns `path` if something is there.
#[track_caller]
pub(crate) fn installed(path: impl Into<PathBuf>) -> PathBuf {
    let path = path.into();
    assert!(
        path.exists(),
        "{} is not here: run scripts/install-test-tools.sh",
        path.display()
    );
    path
}

/// The Python interpreter that has this version of the SDK.
#[track_caller]
pub(crate) fn python(sdk: &str) -> PathBuf {
    installed(folder().join(format!("py-{sdk}/installed.txt")));
    installed(folder().join(format!("py-{sdk}/bin/python")))
}

/// Node.js, once its packages are there.
#[track_caller]
pub(crate) fn node() -> PathBuf {
    installed(folder().join("node/installed.json"));
    PathBuf::from("node")
}

fn command(program: &Path, arguments: &[&Path]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // A proxy of the machine's must not come between a client and the loopback address.
    for name in ["NO_PROXY", "no_proxy"] {
        command.env(name, "127.0.0.1");
    }
    command
}

/// Runs a program to its end with `input`, and returns what it wrote.
pub(crate) async fn run(program: &Path, arguments: &[&Path], input: &str) -> Output {
    let work = async {
        let mut child = spawn(program, arguments);
        // A program that needs no input may be gone by now; how it ended says more than a broken pipe.
        let mut stdin = child.stdin.take().unwrap();
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        child.wait_with_output().await.unwrap()
    };
    let what = program.display();
    let ended = timeout(PATIENCE, work).await;
    ended.unwrap_or_else(|_| panic!("{what} {arguments:?} did not end in {PATIENCE:?}"))
}

fn spawn(program: &Path, arguments: &[&Path]) -> Child {
    let child = command(program, arguments).spawn();
    child.unwrap_or_else(|error| {
        panic!(
            "{} cannot be started ({error}): run scripts/install-test-tools.sh",
            program.display()
        )
    })
}

/// Runs a script that reads a job as JSON and writes what came of it as JSON.
pub(crate) async fn ask(program: &Path, script: &Path, job: &Value) -> Value {
    let output = run(program, &[script], &job.to_string()).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", script.display());
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}: expected JSON, found {output:?}", script.display()))
}

/// A script that reports as it goes: a line of JSON for each step.
pub(crate) struct Conversation {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Conversation {
    /// Starts it with a job.
    pub(crate) async fn start(program: &Path, script: &Path, job: &Value) -> Self {
        let mut child = spawn(program, &[script]);
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(job.to_string().as_bytes()).await.unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next report.
    pub(crate) async fn next(&mut self) -> Value {
        let line = timeout(PATIENCE, self.lines.next_line())
            .await
            .expect("the script reports in time")
            .unwrap();
        let Some(line) = line else {
            panic!("the script ended early: {}", self.complaint().await);
        };
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("expected JSON, found {line}"))
    }

    async fn complaint(&mut self) -> String {
        let mut said = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        let _ = timeout(PATIENCE, stderr.read_to_string(&mut said)).await;
        said
    }
}
