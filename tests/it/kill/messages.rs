//! What got a 202 arrives exactly once, everything else at most once.

use std::{collections::BTreeMap, time::Duration};

use tests::{HostKind, Inbox, eventually};

use super::{Dice, Load, Mortal, answers, is_settled, kills};

const KILLS: usize = 13;
/// Within what time after the last of a life's sends the process is killed, so that it is at any point of its work.
const LAST_MOMENTS: Duration = Duration::from_millis(20);

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_survives_every_kill_and_arrives_once() {
    if HostKind::chosen() != HostKind::Devhost {
        return;
    }
    let mortal = Mortal::prepare(20_000..25_000).await;
    let load = Load::of(&mortal, |_| vec!["someone@example.com".to_owned()]);
    let kills = kills(KILLS);
    let moment = |dice: &mut Dice| dice.moments(LAST_MOMENTS);
    let (process, ()) = mortal.die(kills, &load, moment, load.run()).await;
    let accepted = load.accepted();
    let what = format!(
        "SENDLET_KILL_SEED={}, {kills} kills, {} accepted",
        mortal.seed,
        accepted.len()
    );
    assert!(accepted.len() > kills * 5, "too easy: {what}");

    answers(&mortal.client()).await;
    let store = mortal.store();
    eventually(
        &format!("every stored message is settled ({what})"),
        async || is_settled(&store).then_some(()),
    )
    .await;
    let mut arrived = BTreeMap::<String, usize>::new();
    for subject in Inbox::at(mortal.addresses.relay).subjects().await {
        *arrived.entry(subject).or_default() += 1;
    }
    drop(process);
    for n in accepted {
        assert_eq!(
            arrived.get(&format!("kill {n}")),
            Some(&1),
            "{n} was accepted ({what})"
        );
    }
    for (subject, count) in arrived {
        assert_eq!(count, 1, "'{subject}' arrived more than once ({what})");
    }
}
