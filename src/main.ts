#!/usr/bin/env node
import { beginAnew } from './cli/begin-anew.ts';

// before anything else is loaded
beginAnew();

// content of private repositories, keys and logs: for this user alone
process.umask(0o077);

const { runCli } = await import('./cli/run-cli.ts');
await runCli(process.argv);
