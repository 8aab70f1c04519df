//! The hub, on smol.

use sse_smol::Smol;

sse_contract::hub_suite!(Smol);
