#!/usr/bin/env node
import { beginAnew } from './cli/begin-anew.ts';

// before anything else is loaded
beginAnew();

const { runCli } = await import('./cli/run-cli.ts');
await runCli(process.argv);
