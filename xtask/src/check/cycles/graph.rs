//! The graph of dependencies between modules.

use std::collections::{BTreeMap, BTreeSet};

/// The modules by name, such as `store::keys`. The root of the crate is `lib`.
#[derive(Default)]
pub(super) struct Graph {
    edges: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    pub(super) fn add(&mut self, from: &str, to: &str) {
        if from != to {
            let edges = self.edges.entry(from.to_owned()).or_default();
            edges.insert(to.to_owned());
        }
    }

    pub(super) fn edges(&self) -> impl Iterator<Item = (&str, &str)> {
        let edges = self.edges.iter();
        edges.flat_map(|(from, all)| all.iter().map(|to| (from.as_str(), to.as_str())))
    }

    /// Returns cycles such as `a -> b -> a` that together contain each module that is in a cycle.
    pub(super) fn cycles(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let mut cycles = Vec::new();
        for start in self.edges.keys() {
            if seen.contains(start.as_str()) {
                continue;
            }
            if let Some(path) = self.shortest_cycle(start) {
                seen.extend(path.iter().copied());
                cycles.push(path.join(" -> "));
            }
        }
        cycles
    }

    fn shortest_cycle<'a>(&'a self, start: &'a str) -> Option<Vec<&'a str>> {
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut queue = std::collections::VecDeque::from([start]);
        while let Some(module) = queue.pop_front() {
            for next in self.edges.get(module).into_iter().flatten() {
                if next == start {
                    let mut path = vec![start, module];
                    while let Some(before) = path.last().and_then(|last| came_from.get(last)) {
                        path.push(before);
                    }
                    path.reverse();
                    if module == start {
                        path.truncate(2);
                    }
                    return Some(path);
                }
                if !came_from.contains_key(next.as_str()) {
                    came_from.insert(next, module);
                    queue.push_back(next);
                }
            }
        }
        None
    }
}
