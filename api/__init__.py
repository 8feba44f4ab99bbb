"""The Falcon API: accepts hook payloads and answers reads."""
