#!/usr/bin/env node
import { beginAnew } from './cli/begin-anew.ts';
import { isSupportedNode, runOnBundledNode } from './cli/node-version.ts';

// before anything else is loaded: on an older Node it cannot be
if (isSupportedNode()) {
  beginAnew();

  // content of private repositories, keys and logs: for this user alone
  process.umask(0o077);

  const { runCli } = await import('./cli/run-cli.ts');
  await runCli(process.argv);
} else runOnBundledNode();
