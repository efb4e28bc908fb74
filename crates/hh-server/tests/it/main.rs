//! Tests a real server in this process over real sockets.

#[cfg(test)]
mod compressed;
#[cfg(all(test, feature = "testing"))]
mod corpus;
#[cfg(test)]
mod cors;
#[cfg(test)]
mod data_dir;
#[cfg(test)]
mod deletions;
#[cfg(test)]
mod event_limits;
#[cfg(test)]
mod events;
#[cfg(test)]
mod fairness;
#[cfg(test)]
mod families;
#[cfg(test)]
mod find_sessions;
#[cfg(test)]
mod first_start;
#[cfg(test)]
mod foreign_sessions;
#[cfg(test)]
mod full_disk;
#[cfg(test)]
mod grouping;
#[cfg(test)]
mod half_closed;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod ids;
#[cfg(test)]
mod invalid_keys;
#[cfg(test)]
mod key_list;
#[cfg(test)]
mod key_update;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod new_events;
#[cfg(test)]
mod odd_events;
#[cfg(test)]
mod odd_exports;
#[cfg(test)]
mod otlp;
#[cfg(test)]
mod owners;
#[cfg(test)]
mod patches;
#[cfg(test)]
mod projects;
#[cfg(test)]
mod quoted;
#[cfg(test)]
mod reads;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod request_heads;
#[cfg(test)]
mod rest;
#[cfg(test)]
mod revocations;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod search;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod slow_bodies;
#[cfg(test)]
mod slow_client;
#[cfg(test)]
mod slow_readers;
#[cfg(test)]
mod spans;
#[cfg(test)]
mod stop;
#[cfg(test)]
mod stored_keys;
#[cfg(test)]
mod support;
