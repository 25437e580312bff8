/** Bundles the workflow code at build time: done by each worker at its start it would cost seconds and 200 MB. */
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist');
const workflowsPath = join(dist, 'workflows', 'index.js');

if (!existsSync(workflowsPath)) {
  console.error(
    'dist/workflows/index.js is missing: src/workflows/index.ts has to export every workflow, and tsc runs first.',
  );
  process.exit(1);
}

const { DefaultLogger, bundleWorkflowCode } = await import('@temporalio/worker');
const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
writeFileSync(join(dist, 'workflow-bundle.js'), code);
