//! What new users found awkward: each message names the problem and the way out.

mod keys;
mod lists;
mod mistakes;
mod prompts;
mod usage;
