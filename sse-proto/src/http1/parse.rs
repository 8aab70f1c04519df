//! Parsing of header lines, by `httparse`.

use alloc::vec;

use memchr::memchr_iter;

use super::head::HeadError;
use crate::http::fields::Fields;

impl Fields {
    /// Parses the lines after a start line, including the final blank line.
    pub(super) fn parse(block: &[u8], limit: usize) -> Result<Fields, HeadError> {
        // At most one header per line, so that a large limit costs nothing.
        let lines = memchr_iter(b'\n', block).count();
        let mut parsed = vec![httparse::EMPTY_HEADER; limit.min(lines)];
        match httparse::parse_headers(block, &mut parsed) {
            Ok(httparse::Status::Complete((end, headers))) if end == block.len() => {
                let size = headers.iter().map(|header| header.name.len() + header.value.len()).sum();
                let mut fields = Fields::with_capacity(size, headers.len());
                for header in headers.iter() {
                    fields.push(header.name, header.value);
                }
                Ok(fields)
            }
            Err(httparse::Error::TooManyHeaders) => Err(HeadError::TooManyHeaders { limit }),
            _ => {
                // The headers before the invalid line were parsed, and no name is empty.
                let good = parsed.iter().take_while(|header| !header.name.is_empty()).count();
                Err(HeadError::Header { line: good + 1 })
            }
        }
    }
}
