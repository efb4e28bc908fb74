use std::sync::Arc;

use uuid::Uuid;

use super::super::find_sessions::FIND;
use super::*;
use crate::store::Store;

fn all_queries() -> impl Iterator<Item = ReadEvents> {
    let kinds = EventKind::ALL.map(Some).into_iter().chain([None]);
    kinds.flat_map(|kind| {
        [None, Some(Uuid::nil())].map(|session| ReadEvents {
            session,
            kind,
            filter: None,
            limit: 1,
            page: 0,
        })
    })
}

#[test]
fn every_query_for_events_reads_an_index_in_order_and_sorts_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("honeyhive.db");
    drop(Store::open(&path, Arc::new(()), Arc::default()).unwrap());
    let connection = Connection::open(path).unwrap();
    let plan = |sql: &str| -> Vec<String> {
        let mut plan = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let used = plan.parameter_count();
        let nulls = vec![rusqlite::types::Null; used];
        let steps = plan.query_map(rusqlite::params_from_iter(nulls), |row| row.get(3));
        steps.unwrap().collect::<Result<_, _>>().unwrap()
    };
    let mut plans = 0;
    for query in all_queries() {
        let steps = plan(&keys(&query));
        for bad in ["TEMP B-TREE", "SCAN"] {
            let found = steps.iter().any(|step| step.contains(bad));
            assert!(!found, "{query:?}: {steps:?}");
        }
        if query.kind.is_none() && query.session.is_none() {
            let covering = steps.iter().filter(|step| step.contains("COVERING INDEX"));
            assert_eq!(covering.count(), 2, "{steps:?}");
        }
        plans += 1;
    }
    assert_eq!(plans, 10);
    let steps = plan(FIND);
    let uses_index = steps.iter().any(|step| step.contains("USING INDEX"));
    assert!(uses_index, "{steps:?}");
    for bad in ["TEMP B-TREE", "SCAN"] {
        let found = steps.iter().any(|step| step.contains(bad));
        assert!(!found, "{steps:?}");
    }
    // The plan of a query that does sort contains these words.
    let sorted = plan("SELECT name FROM events ORDER BY name");
    assert!(sorted.iter().any(|step| step.contains("TEMP B-TREE")));
    assert!(sorted.iter().any(|step| step.contains("SCAN")));
}
