//! Connections that come and go, on smol.

use sse_smol::Smol;

sse_contract::churn_suite!(Smol);
