//! What opens and clicks cost.
//!
//! First requests a second of `GET /c/…` and `GET /o/…`, as a share of what a component answers that does nothing, not even a write, on
//! the same host and in turn; 40 % are wanted. Visits are stored before their answer. In the place of notify a component answers that does
//! nothing, so storing visits and naming them are measured, and taking them in is not; nor need the messages be there, since nobody reads
//! them. The same of a component that writes one small value and does nothing else says how much of it is left for anybody who stores each
//! visit alone. Afterwards the visits in the store are counted: the image and the redirect would come without them too. Then the same with a
//! store full of messages, against an empty one; it may take 1.2 times as long. Last, how fast HTML is made ready for tracking.

use std::sync::Arc;
use std::time::Duration;

use crate::Failure;
use crate::arguments::Scale;
use crate::bare::{AgainstBare, CONNECTIONS, ROUNDS, Serves, share};
use crate::message::Message;
use crate::progress;
use crate::sink::Sink;
use crate::spin::Spin;
use crate::stock;
use crate::systems::{NO_RELAY, System, bare_manifest, manifest_without};
use crate::table::{Table, cell};
use crate::visits::{self, Asked, Visits};
use crate::wasm::Program;
use crate::workspace;

const ROUND: Duration = Duration::from_secs(4);
const STOCK: usize = 100_000;
const HTML_OCTETS: usize = 4 * 1024;
const CONNECTIONS_A_STORE: usize = 16;

/// Prints a table for each.
pub(crate) async fn run(scale: Scale) -> Result<(), Failure> {
    shares(scale).await?;
    least(scale).await?;
    on_spin(scale).await?;
    stores(scale).await?;
    rewriting().await
}

/// The same on `spin`, where nobody but it has its store, so the visits in there are not counted.
async fn on_spin(scale: Scale) -> Result<(), Failure> {
    let folder = workspace::folder()?;
    let manifest = manifest_without("notify", folder.path())?;
    let Some(system) = Spin::serve(&manifest, NO_RELAY).await? else {
        println!("\nThere is no spin in the PATH, so devhost alone is measured.");
        return Ok(());
    };
    let Some(bare) = Spin::serve(&bare_manifest(), NO_RELAY).await? else {
        return Err("spin was there, and is not any more".into());
    };
    let in_turn = AgainstBare {
        system: &system,
        bare: &bare,
        round: scale.duration(ROUND),
    };
    for asked in Asked::ALL {
        let what = format!(
            "{} on spin; the CPU is that of the clients alone",
            asked.name()
        );
        shares_of(&what, (asked, &Visits::new(asked)?), &in_turn).await?;
    }
    system.stop().await?;
    bare.stop().await
}

async fn shares(scale: Scale) -> Result<(), Failure> {
    let (system, bare) = (System::without("notify").await?, System::bare().await?);
    let in_turn = AgainstBare {
        system: &system,
        bare: &bare,
        round: scale.duration(ROUND),
    };
    let mut made = 0;
    for asked in Asked::ALL {
        let visits = Visits::new(asked)?;
        let what = format!(
            "{}: visits stored, and named to a component that does nothing",
            asked.name()
        );
        shares_of(&what, (asked, &visits), &in_turn).await?;
        made += visits.made();
    }
    all_stored(made, &[&system])?;
    system.stop().await;
    bare.stop().await;
    Ok(())
}

/// What one write costs.
async fn least(scale: Scale) -> Result<(), Failure> {
    let (writing, bare) = (System::bare().await?, System::bare().await?);
    let in_turn = AgainstBare {
        system: &writing,
        bare: &bare,
        round: scale.duration(ROUND),
    };
    let (asked, what) = (
        Asked::Click,
        "A component that stores a value of 400 octets, and does nothing else",
    );
    let writes = Visits::of_the_least(asked)?;
    shares_of(what, (asked, &writes), &in_turn).await?;
    writing.stop().await;
    bare.stop().await;
    Ok(())
}

/// `visits` on the system, and the same requests to what does nothing on the bare one.
async fn shares_of<S: Serves>(
    what: &str,
    (asked, visits): (Asked, &Arc<Visits>),
    in_turn: &AgainstBare<'_, S>,
) -> Result<(), Failure> {
    let table = begin_shares(what, in_turn.round);
    let nothing = Visits::of_nothing(asked)?;
    let measured = in_turn.system.address();
    for connections in CONNECTIONS {
        let request = |system: &S| {
            let address = system.address();
            let asked = if address == measured {
                visits
            } else {
                &nothing
            };
            asked.requests(address)
        };
        let (rate, limit) = in_turn.measure(connections, request).await?;
        let mut row = vec![connections.to_string()];
        row.extend(rate.cells().into_iter().chain(limit.cells()));
        row.push(share(&rate, &limit));
        table.row(&row);
    }
    Ok(())
}

fn begin_shares(what: &str, round: Duration) -> Table {
    let title = format!(
        "{what}; medians of {ROUNDS} rounds of {:.1} s each, in turn with a\n\
         component that does nothing with the same request",
        round.as_secs_f64()
    );
    let heads = [
        "connections",
        "req/s   ",
        "p99, ms",
        "CPU, ms/req",
        "nothing, req/s",
        "p99, ms",
        "CPU, ms/req",
        "share",
    ];
    Table::begin(&title, &heads)
}

async fn stores(scale: Scale) -> Result<(), Failure> {
    let (full, empty) = (
        System::without("notify").await?,
        System::without("notify").await?,
    );
    let (sink, copies) = (Sink::start().await?, scale.count(STOCK));
    stock::stock_up(&full, &sink, Message::of(HTML_OCTETS), copies).await?;
    let in_turn = AgainstBare {
        system: &full,
        bare: &empty,
        round: scale.duration(ROUND),
    };
    let made = stores_in_turn(&in_turn, copies).await?;
    all_stored(made, &[&full, &empty])?;
    full.stop().await;
    empty.stop().await;
    Ok(())
}

/// Returns how many visits were made.
async fn stores_in_turn(
    in_turn: &AgainstBare<'_, System>,
    copies: usize,
) -> Result<usize, Failure> {
    let (table, mut made) = (begin_stores(in_turn.round, copies), 0);
    for asked in Asked::ALL {
        let visits = Visits::new(asked)?;
        let request = |system: &System| visits.requests(system.address());
        let (full, empty) = in_turn.measure(CONNECTIONS_A_STORE, request).await?;
        let mut row = vec![asked.name().to_owned()];
        row.extend(full.cells().into_iter().chain(empty.cells()));
        row.push(format!("{}x", cell(empty.per_second / full.per_second, 2)));
        table.row(&row);
        made += visits.made();
    }
    Ok(made)
}

fn begin_stores(round: Duration, copies: usize) -> Table {
    let title = format!(
        "The same with {copies} messages in the store, in turn with an empty store; {CONNECTIONS_A_STORE} connections, medians of {ROUNDS} rounds\n\
         of {:.1} s each. What is stored are copies, under other ids, of the rows that a message leaves which was sent.",
        round.as_secs_f64()
    );
    let heads = [
        "visit   ",
        "full, req/s",
        "p99, ms",
        "CPU, ms/req",
        "empty, req/s",
        "p99, ms",
        "CPU, ms/req",
        "full/empty, time",
    ];
    Table::begin(&title, &heads)
}

/// Fails if visits were answered and are not there.
fn all_stored(made: usize, systems: &[&System]) -> Result<(), Failure> {
    progress::show("counting the visits stored");
    let (mut stored, mut batches) = (0, 0);
    for system in systems {
        let (visits, of_visits) = visits::stored(&system.store())?;
        (stored, batches) = (stored + visits, batches + of_visits);
    }
    progress::clear();
    if stored == made {
        println!("\nAll {made} visits are in the store, in {batches} batches.");
        return Ok(());
    }
    Err(format!("expected {made} visits in the store, found {stored}").into())
}

async fn rewriting() -> Result<(), Failure> {
    progress::show("HTML in WebAssembly");
    let program = Program::compile(&workspace::component("bench-rewriting"))?;
    let rounds = ROUNDS.to_string();
    let figures = program.run(&["bench-rewriting", &rounds]).await?;
    progress::clear();
    println!(
        "\nHTML parsed for tracking, and rendered for a recipient, in Wasm, {rounds} rounds\n"
    );
    print!("{figures}");
    Ok(())
}
