//! How a connection is made to a host of several addresses.

use sse_smol::Smol;

sse_contract::dial_suite!(Smol);
