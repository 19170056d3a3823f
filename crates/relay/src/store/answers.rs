//! Answers by idempotency key, kept for 24 hours.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Store, StoreError};

/// How long an answer is kept, in milliseconds.
const KEPT_MS: i64 = 24 * 60 * 60 * 1_000;

/// What was answered to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredAnswer {
    pub(crate) key: String,
    /// As it stood in the envelope.
    pub(crate) reverse_path: String,
    /// The JSON body, word for word.
    pub(crate) answer: String,
    /// What is to be told of it, as JSON; not read back.
    pub(crate) events: Vec<String>,
}

impl Store {
    /// Finds what was answered to `key` within 24 hours before `now_ms`.
    pub(crate) async fn answer(
        &self,
        key: &str,
        now_ms: i64,
    ) -> Result<Option<StoredAnswer>, StoreError> {
        let key = key.to_owned();
        self.run(move |connection| {
            connection
                .prepare_cached(
                    "SELECT reverse_path, answer FROM answers WHERE key = ?1 AND answered_at > ?2",
                )?
                .query_row(params![key, now_ms - KEPT_MS], |row| {
                    Ok(StoredAnswer {
                        reverse_path: row.get(0)?,
                        answer: row.get(1)?,
                        key: key.clone(),
                        events: Vec::new(),
                    })
                })
                .optional()
        })
        .await
    }

    /// Keeps an answer.
    pub(crate) async fn keep_answer(
        &self,
        answer: StoredAnswer,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            insert(&transaction, &answer, now_ms)?;
            transaction.commit()
        })
        .await
    }
}

/// Keeps an answer within the caller's transaction, and forgets those that are too old.
pub(super) fn insert(
    connection: &Connection,
    answer: &StoredAnswer,
    now_ms: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM answers WHERE answered_at <= ?1")?
        .execute([now_ms - KEPT_MS])?;
    connection
        .prepare_cached(
            "INSERT INTO answers (key, reverse_path, answer, answered_at) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            answer.key,
            answer.reverse_path,
            answer.answer,
            now_ms
        ])?;
    super::events::insert(connection, &answer.events)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(key: &str) -> StoredAnswer {
        StoredAnswer {
            key: key.to_owned(),
            reverse_path: "<>".to_owned(),
            events: Vec::new(),
            answer: "{}".to_owned(),
        }
    }

    #[tokio::test]
    async fn answers_live_for_a_day_and_across_restarts() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.keep_answer(answer("k"), 1_000).await.unwrap();
        drop(store);
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(
            store.answer("k", 999 + KEPT_MS).await.unwrap(),
            Some(answer("k"))
        );
        assert_eq!(store.answer("k", 1_000 + KEPT_MS).await.unwrap(), None);
        assert_eq!(store.answer("other", 1_000).await.unwrap(), None);
    }

    #[tokio::test]
    async fn old_answers_are_deleted_by_new_ones() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.keep_answer(answer("old"), 0).await.unwrap();
        store.keep_answer(answer("new"), KEPT_MS).await.unwrap();
        let count: i64 = store
            .run(|connection| {
                connection.query_row("SELECT count(*) FROM answers", [], |row| row.get(0))
            })
            .await
            .unwrap();
        assert_eq!(count, 1);
        // The key of a forgotten answer is free again.
        store.keep_answer(answer("old"), KEPT_MS).await.unwrap();
    }
}
