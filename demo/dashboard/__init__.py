"""The demo on one page: who can sign in, the story step by step, and what Okta believes beside what CORE holds."""
