#!/usr/bin/env node
await import('../bootstrap/cli.mjs');
