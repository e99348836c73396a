//! RTP without a socket: packets, streams, reports, the jitter buffer and telephone-events (RFC 3550, RFC 3551,
//! RFC 4733), and their protection (RFC 3711).

mod delay;
pub mod digit;
pub mod jitter;
pub mod packet;
pub mod report;
pub mod srtp;
pub mod stream;
