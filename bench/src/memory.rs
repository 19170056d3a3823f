//! Memory over a long run.

use crate::Failure;
use crate::arguments::Scale;
use crate::drive::{Amount, Drive};
use crate::message::Message;
use crate::process;
use crate::progress;
use crate::sink::Sink;
use crate::statistics::{mebibytes, number};
use crate::systems::System;
use crate::table::{Table, cell};

const STEPS: usize = 5;
const STEP: usize = 10_000;
/// Progress is told this often within a step.
const PARTS: usize = 10;
const OUTSTANDING: usize = 64;

/// Sends 50,000 messages the whole path, and prints what memory is used after every 10,000.
pub(crate) async fn run(scale: Scale) -> Result<(), Failure> {
    let sink = Sink::start().await?;
    let sendlet = System::whole(sink.address()).await?;
    let step = scale.count(STEP);
    let table = Table::begin(
        &format!(
            "Memory over {} messages of 4 KB the whole path, {OUTSTANDING} at once",
            STEPS * step
        ),
        &[
            "messages",
            "process, MiB",
            "of the first",
            "send instance at most, MiB",
            "dispatch instance at most, MiB",
            "instances so far",
        ],
    );
    let mut first = None;
    for done in (1..=STEPS).map(|number| number * step) {
        send(&sink, &sendlet, step, done - step).await?;
        let resident = process::resident_mebibytes();
        let first = *first.get_or_insert(resident);
        table.row(&row(&sendlet, done, resident, first));
    }
    sink.tell_unexpected();
    sendlet.stop().await;
    Ok(())
}

async fn send(sink: &Sink, sendlet: &System, step: usize, before: usize) -> Result<(), Failure> {
    let endpoint = sendlet.endpoint();
    let drive = Drive {
        sink,
        endpoint: &endpoint,
        message: Message::of(4 * 1024),
        outstanding: OUTSTANDING,
    };
    for part in 0..PARTS {
        progress::show(format_args!("{} messages", before + part * step / PARTS));
        drive.run(Amount::Messages(step / PARTS)).await?;
    }
    Ok(())
}

fn row(sendlet: &System, done: usize, resident: f64, first: f64) -> Vec<String> {
    let (send, dispatch) = (sendlet.stats("send"), sendlet.stats("dispatch"));
    vec![
        done.to_string(),
        cell(resident, 1),
        format!("{}x", cell(resident / first, 2)),
        cell(mebibytes(send.peak_memory_bytes), 1),
        cell(mebibytes(dispatch.peak_memory_bytes), 1),
        cell(
            number(usize::try_from(send.instances + dispatch.instances).unwrap_or(usize::MAX)),
            0,
        ),
    ]
}
