//! `openssl speed` on this machine.

use std::process::Stdio;

use bench_signing::Figure;
use tokio::process::Command;

use crate::Failure;

/// By the clock on the wall, as our own figures are: processor time would look better on a busy machine.
const ARGUMENTS: [&str; 7] = [
    "speed", "-mr", "-elapsed", "-seconds", "3", "rsa2048", "ed25519",
];

/// Microseconds for a signature with each key; nothing where there is no `openssl`.
pub(crate) async fn figures() -> Result<Vec<Figure>, Failure> {
    let mut openssl = Command::new("openssl");
    let openssl = openssl
        .args(ARGUMENTS)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = match openssl.output().await {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(format!("cannot run openssl ({error})").into()),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(figure).collect())
}

/// Lines such as `+F2:2:2048:4117.171717:61411.000000` for RSA and `+F6:0:253:Ed25519:26875.000000:9750.000000` for `EdDSA`:
/// signatures a second come before verifications.
fn figure(line: &str) -> Option<Figure> {
    let parts: Vec<&str> = line.split(':').collect();
    let (subject, per_second) = match parts.as_slice() {
        ["+F2", _, bits, signs, ..] => (format!("RSA-{bits}"), signs),
        ["+F6", _, _, name, signs, ..] => ((*name).to_owned(), signs),
        _ => return None,
    };
    let per_second: f64 = per_second.parse().ok()?;
    Some(Figure {
        subject,
        way: "openssl".to_owned(),
        value: 1e6 / per_second,
    })
}
