//! Captured messages, newest last, bounded in number and size.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{
    Store, StoreError,
    answers::{self, StoredAnswer},
};

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retention {
    pub(crate) messages: usize,
    pub(crate) octets: u64,
}

/// A message to keep.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) reverse_path: String,
    /// A JSON array of addresses.
    pub(crate) forward_paths: String,
    /// JSON that the list shows; see `inbox::summary`.
    pub(crate) summary: String,
    /// What a search looks in, in lower case.
    pub(crate) search: String,
    pub(crate) source: bytes::Bytes,
}

/// A message as the list shows it.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) id: i64,
    pub(crate) received_at: i64,
    pub(crate) octets: i64,
    pub(crate) reverse_path: String,
    pub(crate) forward_paths: String,
    pub(crate) idempotency_key: String,
    pub(crate) summary: String,
    /// JSON of the signatures' results, none while they are not checked yet.
    pub(crate) dkim: Option<String>,
}

/// A message with its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) listed: Listed,
    pub(crate) source: Vec<u8>,
}

/// Which messages to list.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) limit: u32,
    /// Only those with a smaller id.
    pub(crate) before: Option<i64>,
    /// Only those with this in sender, recipients or subject; in lower case.
    pub(crate) search: Option<String>,
}

const LISTED: &str =
    "id, received_at, octets, reverse_path, forward_paths, idempotency_key, summary, dkim";

impl Store {
    /// Keeps a message and the answer to its key in one transaction, and drops the oldest messages over the limits.
    /// Returns the message's id.
    pub(crate) async fn keep_message(
        &self,
        arrival: Arrival,
        answer: StoredAnswer,
        retention: Retention,
        now_ms: i64,
    ) -> Result<i64, StoreError> {
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            answers::insert(&transaction, &answer, now_ms)?;
            let id = insert(&transaction, &arrival, &answer.key, now_ms)?;
            drop_over(&transaction, retention)?;
            transaction.commit()?;
            release_space(connection)?;
            Ok(id)
        })
        .await
    }

    /// Lists messages, newest first.
    pub(crate) async fn list(&self, page: Page) -> Result<Vec<Listed>, StoreError> {
        self.run(move |connection| {
            let sql = format!(
                "SELECT {LISTED} FROM messages
                 WHERE id < ?1 AND (?2 IS NULL OR instr(search, ?2) > 0) ORDER BY id DESC LIMIT ?3"
            );
            connection
                .prepare_cached(&sql)?
                .query_map(
                    params![page.before.unwrap_or(i64::MAX), page.search, page.limit],
                    listed,
                )?
                .collect()
        })
        .await
    }

    /// Counts all messages.
    pub(crate) async fn count(&self) -> Result<i64, StoreError> {
        self.run(|connection| {
            connection.query_row("SELECT count(*) FROM messages", [], |row| row.get(0))
        })
        .await
    }

    /// Reads one message.
    pub(crate) async fn message(&self, id: i64) -> Result<Option<Kept>, StoreError> {
        self.run(move |connection| {
            let sql = format!(
                "SELECT {LISTED}, source FROM messages JOIN sources USING (id) WHERE id = ?1"
            );
            connection
                .prepare_cached(&sql)?
                .query_row([id], |row| {
                    Ok(Kept {
                        listed: listed(row)?,
                        source: row.get(8)?,
                    })
                })
                .optional()
        })
        .await
    }

    /// Deletes one message; says whether it was there.
    pub(crate) async fn delete(&self, id: i64) -> Result<bool, StoreError> {
        self.run(move |connection| {
            let deleted = connection.execute("DELETE FROM messages WHERE id = ?1", [id])?;
            release_space(connection)?;
            Ok(deleted > 0)
        })
        .await
    }

    /// Deletes every message. Answers stay, so a retried request is still recognised.
    pub(crate) async fn delete_all(&self) -> Result<(), StoreError> {
        self.run(|connection| {
            connection.execute("DELETE FROM messages", [])?;
            release_space(connection)
        })
        .await
    }

    /// Finds the newest message whose signatures were not checked yet.
    pub(crate) async fn next_unchecked(&self) -> Result<Option<Kept>, StoreError> {
        let id = self
            .run(|connection| {
                connection.query_row(
                    "SELECT max(id) FROM messages WHERE dkim IS NULL",
                    [],
                    |row| row.get::<_, Option<i64>>(0),
                )
            })
            .await?;
        match id {
            Some(id) => self.message(id).await,
            None => Ok(None),
        }
    }

    /// Keeps the results of a message's signatures.
    pub(crate) async fn set_dkim(&self, id: i64, dkim: String) -> Result<(), StoreError> {
        self.run(move |connection| {
            connection.execute(
                "UPDATE messages SET dkim = ?2 WHERE id = ?1",
                params![id, dkim],
            )?;
            Ok(())
        })
        .await
    }
}

fn insert(
    connection: &Connection,
    arrival: &Arrival,
    key: &str,
    now_ms: i64,
) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "INSERT INTO messages
                 (received_at, octets, reverse_path, forward_paths, idempotency_key, summary, search)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            now_ms,
            i64::try_from(arrival.source.len()).unwrap_or(i64::MAX),
            arrival.reverse_path,
            arrival.forward_paths,
            key,
            arrival.summary,
            arrival.search,
        ])?;
    let id = connection.last_insert_rowid();
    connection
        .prepare_cached("INSERT INTO sources (id, source) VALUES (?1, ?2)")?
        .execute(params![id, &arrival.source[..]])?;
    Ok(id)
}

/// Deletes every message that has as many, or as much, newer than itself as may be kept. The newest always stays.
fn drop_over(connection: &Connection, retention: Retention) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM messages WHERE id IN (
                 SELECT id FROM (
                     SELECT id, row_number() OVER newest AS place, sum(octets) OVER newest AS octets
                     FROM messages WINDOW newest AS (ORDER BY id DESC)
                 ) WHERE place > 1 AND (place > ?1 OR octets > ?2)
             )",
        )?
        .execute(params![
            i64::try_from(retention.messages).unwrap_or(i64::MAX),
            i64::try_from(retention.octets).unwrap_or(i64::MAX),
        ])?;
    Ok(())
}

/// Gives pages of deleted messages back to the file system, a bounded number at a time.
fn release_space(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("PRAGMA incremental_vacuum(4096)")?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

fn listed(row: &Row<'_>) -> rusqlite::Result<Listed> {
    Ok(Listed {
        id: row.get(0)?,
        received_at: row.get(1)?,
        octets: row.get(2)?,
        reverse_path: row.get(3)?,
        forward_paths: row.get(4)?,
        idempotency_key: row.get(5)?,
        summary: row.get(6)?,
        dkim: row.get(7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn keep(store: &Store, name: &str, octets: usize, retention: Retention) -> i64 {
        let arrival = Arrival {
            reverse_path: "<>".to_owned(),
            forward_paths: "[]".to_owned(),
            summary: "{}".to_owned(),
            search: name.to_lowercase(),
            source: vec![b'x'; octets].into(),
        };
        let answer = StoredAnswer {
            events: Vec::new(),
            key: name.to_owned(),
            reverse_path: String::new(),
            answer: String::new(),
        };
        store
            .keep_message(arrival, answer, retention, 1)
            .await
            .unwrap()
    }

    async fn keys(store: &Store, before: Option<i64>, search: Option<&str>) -> Vec<String> {
        let page = Page {
            limit: 10,
            before,
            search: search.map(str::to_owned),
        };
        store
            .list(page)
            .await
            .unwrap()
            .into_iter()
            .map(|listed| listed.idempotency_key)
            .collect()
    }

    #[tokio::test]
    async fn the_oldest_messages_make_room_by_number() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let retention = Retention {
            messages: 2,
            octets: 1_000,
        };
        for name in ["a", "b", "c"] {
            keep(&store, name, 1, retention).await;
        }
        assert_eq!(keys(&store, None, None).await, ["c", "b"]);
        // The answer outlives its message.
        assert!(store.answer("a", 2).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn the_oldest_messages_make_room_by_size_but_the_newest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let retention = Retention {
            messages: 10,
            octets: 100,
        };
        for (name, octets) in [("a", 60), ("b", 40), ("c", 60)] {
            keep(&store, name, octets, retention).await;
        }
        assert_eq!(keys(&store, None, None).await, ["c", "b"]);
        keep(&store, "d", 500, retention).await;
        assert_eq!(keys(&store, None, None).await, ["d"]);
    }

    #[tokio::test]
    async fn lists_are_paged_and_searched() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let retention = Retention {
            messages: 10,
            octets: 100,
        };
        let first = keep(&store, "Émile 100%", 1, retention).await;
        let second = keep(&store, "bob", 1, retention).await;
        assert!(second > first);
        assert_eq!(keys(&store, Some(second), None).await, ["Émile 100%"]);
        assert_eq!(keys(&store, None, Some("émile")).await, ["Émile 100%"]);
        assert_eq!(keys(&store, None, Some("0%")).await, ["Émile 100%"]);
        assert_eq!(keys(&store, None, Some("%")).await, ["Émile 100%"]);
        assert_eq!(keys(&store, None, Some("o")).await, ["bob"]);
    }

    #[tokio::test]
    async fn deleted_messages_take_their_source_along() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let retention = Retention {
            messages: 10,
            octets: 100,
        };
        let id = keep(&store, "a", 1, retention).await;
        assert!(store.delete(id).await.unwrap());
        assert!(!store.delete(id).await.unwrap());
        keep(&store, "b", 1, retention).await;
        store.delete_all().await.unwrap();
        let sources: i64 = store
            .run(|connection| {
                connection.query_row("SELECT count(*) FROM sources", [], |row| row.get(0))
            })
            .await
            .unwrap();
        assert_eq!((sources, store.count().await.unwrap()), (0, 0));
    }

    #[tokio::test]
    async fn unchecked_messages_are_found_until_their_result_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let id = keep(
            &store,
            "a",
            1,
            Retention {
                messages: 1,
                octets: 1,
            },
        )
        .await;
        assert_eq!(
            store
                .next_unchecked()
                .await
                .unwrap()
                .map(|kept| kept.listed.id),
            Some(id)
        );
        store.set_dkim(id, "[]".to_owned()).await.unwrap();
        assert!(store.next_unchecked().await.unwrap().is_none());
    }
}
