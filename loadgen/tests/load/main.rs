//! Whole runs against servers: one that stalls, some that do wrong, and redis-server.

#[cfg(test)]
mod check;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod distributed;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod honesty;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod modes;
#[cfg(test)]
mod outside;
#[cfg(test)]
mod redis;
#[cfg(test)]
mod ring;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod support;
#[cfg(test)]
mod timeline;
#[cfg(test)]
mod traces;
