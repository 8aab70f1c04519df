//! The programs of the README and the guides, which must compile.

#[doc = include_str!("../../../README.md")]
struct Readme;

#[doc = include_str!("../../docs/clients.md")]
struct Clients;

#[doc = include_str!("../../docs/deployment.md")]
struct Deployment;

#[doc = include_str!("../../docs/embedded.md")]
struct Embedded;

#[doc = include_str!("../../docs/features.md")]
struct Features;

#[doc = include_str!("../../docs/limits.md")]
struct Limits;

#[doc = include_str!("../../docs/llm.md")]
struct Llm;

#[doc = include_str!("../../docs/migration.md")]
struct Migration;

#[doc = include_str!("../../docs/nodes.md")]
struct Nodes;

#[doc = include_str!("../../docs/notifications.md")]
struct Notifications;

#[doc = include_str!("../../docs/servers.md")]
struct Servers;

#[doc = include_str!("../../docs/troubleshooting.md")]
struct Troubleshooting;
