//! The server from outside: a real one in this process, spoken to over real sockets.

#[cfg(test)]
mod endings;
#[cfg(test)]
mod events;
#[cfg(test)]
mod guesses;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod otlp;
#[cfg(test)]
mod projects;
#[cfg(test)]
mod reads;
#[cfg(test)]
mod rest;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod spans;
#[cfg(test)]
mod stop;
#[cfg(test)]
mod support;
