import type { Command } from 'commander';
import type { Role } from '../../processes/server.ts';
import { addCommand } from '../command.ts';
import type { Choose } from '../command.ts';

const nothing = () => undefined;

const processes: readonly (readonly [string, readonly Role[], string])[] = [
  ['serve', ['api', 'worker'], 'for production: the API and a worker in one process'],
  ['api', ['api'], 'for production: the API alone'],
  ['worker', ['worker'], 'for production: a worker alone; run as many as you like'],
];

export function addServer(program: Command, choose: Choose): void {
  addCommand(program, choose, {
    usage: 'start',
    text: 'run everything, with an embedded PostgreSQL and Temporal unless the settings name others',
    read: nothing,
    run: async (surroundings) => (await import('../run-server.ts')).startCommand(surroundings),
  });
  for (const [name, roles, text] of processes)
    addCommand(program, choose, {
      usage: name,
      text,
      setUp: (command) =>
        command.addHelpText(
          'after',
          '\nNeeds DATABASE_URL and TEMPORAL_ADDRESS. Logs are JSON, one object a line.',
        ),
      read: () => ({ name, roles }),
      run: async (surroundings, request) =>
        (await import('../run-server.ts')).rolesCommand(surroundings, request),
    });
  addCommand(program, choose, {
    usage: 'migrate',
    text: 'migrate the database of DATABASE_URL to this version',
    read: nothing,
    run: async (surroundings) => (await import('../run-server.ts')).migrateCommand(surroundings),
  });
  addCommand<{ readonly write?: boolean }, boolean>(program, choose, {
    usage: 'schema',
    text: 'print the GraphQL schema',
    setUp: (command) => command.option('--write', 'write it to schema/schema.graphql instead'),
    read: (_, { write = false }) => write,
    run: async ({ terminal }, write) => (await import('../run-server.ts')).schemaCommand(write, terminal),
  });
  addCommand<{ readonly keep?: boolean }, boolean>(program, choose, {
    usage: 'demo',
    text: 'sync a sample upstream on this machine twice, and compare; needs no internet',
    setUp: (command) => command.option('--keep', 'keep everything running until Ctrl-C'),
    read: (_, { keep = false }) => keep,
    run: async (surroundings, keep) => (await import('../demo-command.ts')).demoCommand(surroundings, keep),
  });
}
