//! Connections that come and go, on threads.

use sse_contract::adapter::Blocking;

sse_contract::churn_suite!(Blocking);
