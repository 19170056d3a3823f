//! Signatures and hashes in `WebAssembly`, natively, and by OpenSSL, in turn.

use std::collections::BTreeMap;

use bench_signing::Figure;

use crate::Failure;
use crate::arguments::Scale;
use crate::openssl;
use crate::progress;
use crate::statistics::median;
use crate::table::{Table, cell};
use crate::wasm::Program;
use crate::workspace;

const ROUNDS: usize = 5;
/// Rounds within a run of the figures.
const INNER_ROUNDS: usize = 5;
const OPENSSL: &str = "openssl";
const KEYS: [(&str, &[&str]); 4] = [
    ("RSA-2048", &["dkim", "rsa 0.10", "rsa 0.9", OPENSSL]),
    ("RSA-3072", &["dkim", "rsa 0.10", "rsa 0.9"]),
    ("RSA-4096", &["dkim", "rsa 0.10", "rsa 0.9"]),
    ("Ed25519", &["dkim", OPENSSL]),
];

/// Prints a table of signatures and one of hashes.
pub(crate) async fn run(scale: Scale) -> Result<(), Failure> {
    let rounds = scale.count(ROUNDS);
    let program = Program::compile(&workspace::component("bench-signing"))?;
    let mut figures = Figures::default();
    for round in 1..=rounds {
        let show = |what| progress::show(format_args!("round {round} of {rounds}, {what}"));
        show("WebAssembly");
        figures.add(Place::Wasm, in_wasm(&program).await?);
        show("native");
        figures.add(Place::Native, natively().await?);
        show(OPENSSL);
        figures.add(Place::Native, openssl::figures().await?);
    }
    signatures(&figures, rounds);
    hashes(&figures, rounds);
    Ok(())
}

async fn in_wasm(program: &Program) -> Result<Vec<Figure>, Failure> {
    let rounds = INNER_ROUNDS.to_string();
    let output = program.run(&["bench-signing", "figures", &rounds]).await?;
    let figures = output.lines().map(str::parse);
    Ok(figures.collect::<Result<_, _>>()?)
}

async fn natively() -> Result<Vec<Figure>, Failure> {
    tokio::task::spawn_blocking(|| bench_signing::figures(INNER_ROUNDS)).await?
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Wasm,
    Native,
}

/// The figures of all rounds: by place, subject and way.
#[derive(Default)]
struct Figures(BTreeMap<(Place, String, String), Vec<f64>>);

impl Figures {
    fn add(&mut self, place: Place, figures: Vec<Figure>) {
        for Figure {
            subject,
            way,
            value,
        } in figures
        {
            self.0.entry((place, subject, way)).or_default().push(value);
        }
    }

    /// The median of the rounds; not a number if there is none.
    fn median(&self, place: Place, subject: &str, way: &str) -> f64 {
        let key = (place, subject.to_owned(), way.to_owned());
        median(self.0.get(&key).cloned().unwrap_or_default())
    }

    fn subjects_with(&self, way: &str) -> Vec<String> {
        let mut keys: Vec<_> = self
            .0
            .keys()
            .filter(|(place, ..)| *place == Place::Wasm)
            .collect();
        keys.retain(|(_, _, other)| other == way);
        keys.into_iter()
            .map(|(_, subject, _)| subject.clone())
            .collect()
    }
}

fn signatures(figures: &Figures, rounds: usize) {
    let table = Table::begin(
        &format!("One signature, medians of {rounds} rounds in turn"),
        &[
            "key     ",
            "by      ",
            "in Wasm, µs",
            "native, µs",
            "Wasm/native",
            "Wasm/openssl",
            "in Wasm, of dkim",
        ],
    );
    for (key, ways) in KEYS {
        let openssl = figures.median(Place::Native, key, OPENSSL);
        let dkim = figures.median(Place::Wasm, key, "dkim");
        for way in ways {
            let wasm = figures.median(Place::Wasm, key, way);
            let native = figures.median(Place::Native, key, way);
            table.row(&[
                key.to_owned(),
                (*way).to_owned(),
                cell(wasm, 1),
                cell(native, 1),
                ratio(wasm, native),
                ratio(wasm, openssl),
                ratio(wasm, dkim),
            ]);
        }
    }
    if figures.median(Place::Native, "Ed25519", OPENSSL).is_nan() {
        println!("There is no openssl in the PATH to compare with.");
    }
}

fn hashes(figures: &Figures, rounds: usize) {
    let table = Table::begin(
        &format!(
            "Bodies canonicalized and hashed in Wasm, MB/s, medians of {rounds} rounds in turn"
        ),
        &[
            "body          ",
            "SHA-256",
            "simple",
            "of SHA-256",
            "relaxed",
            "of SHA-256",
            "relaxed, native",
        ],
    );
    for body in figures.subjects_with("relaxed") {
        let plain = figures.median(Place::Wasm, &body, "SHA-256");
        let simple = figures.median(Place::Wasm, &body, "simple");
        let relaxed = figures.median(Place::Wasm, &body, "relaxed");
        let native = figures.median(Place::Native, &body, "relaxed");
        table.row(&[
            body,
            cell(plain, 0),
            cell(simple, 0),
            ratio(simple, plain),
            cell(relaxed, 0),
            ratio(relaxed, plain),
            cell(native, 0),
        ]);
    }
}

fn ratio(figure: f64, to: f64) -> String {
    let ratio = cell(figure / to, 2);
    if ratio == "–" {
        ratio
    } else {
        format!("{ratio}x")
    }
}
