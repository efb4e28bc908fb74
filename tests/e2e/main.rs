//! End-to-end tests: the program `honeyhive`, its server as a separate process, and the official clients.

#[cfg(test)]
mod cache;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod first_contact;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod http;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod kill_deletion;
#[cfg(test)]
mod kill_writes;
#[cfg(test)]
mod large;
#[cfg(test)]
mod node;
#[cfg(test)]
mod pipe;
#[cfg(test)]
mod python;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod see_also;
#[cfg(test)]
mod shell;
#[cfg(test)]
mod start;
#[cfg(test)]
mod stop;
#[cfg(test)]
mod support;
