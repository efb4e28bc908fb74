use super::*;

#[test]
fn the_writer_answers_after_its_last_command_and_then_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("honeyhive.db");
    let store = Store::open(&path).unwrap();
    assert!(store.is_new());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let pending = store.writer.submit(None, |connection| {
        Ok(connection.execute("INSERT INTO meta VALUES ('a', 'b')", [])?)
    });
    runtime.block_on(store.close());
    assert_eq!(pending.wait_blocking().unwrap(), 1);
    let late = store.writer.submit(None, |_| Ok(())).wait_blocking();
    assert!(matches!(late, Err(StoreError::Stopped)));
}

#[test]
fn a_command_that_fails_or_panics_takes_no_other_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("honeyhive.db")).unwrap();
    let insert = |name: &'static str| {
        store.writer.submit(None, move |connection| {
            let count = connection.execute("INSERT INTO meta VALUES (?1, '')", [name])?;
            assert_ne!(name, "panics");
            if name == "fails" {
                return Err(StoreError::Conflict("no".to_owned()));
            }
            Ok(count)
        })
    };
    let all: Vec<_> = ["one", "fails", "panics", "two"]
        .into_iter()
        .map(insert)
        .collect();
    let kept = all
        .into_iter()
        .filter_map(|p| p.wait_blocking().ok())
        .count();
    assert_eq!(kept, 2);
    let names = store.writer.submit(None, |connection| {
        let sql = "SELECT group_concat(name ORDER BY name) FROM meta";
        Ok(connection.query_row(sql, [], |row| row.get::<_, String>(0))?)
    });
    assert_eq!(names.wait_blocking().unwrap(), "one,two");
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("honeyhive.db");
    drop(Store::open(&path).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 999).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::Newer)));
}
