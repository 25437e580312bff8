import { Button, Group, SimpleGrid, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useMay } from '../session/viewer.ts';
import { Page } from '../shared/page.tsx';
import { Panel } from '../shared/panel.tsx';
import { Problem } from '../shared/problem.tsx';
import { graphql } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { UpkeepTasks } from './upkeep-tasks.tsx';

const Collect = graphql(`
  mutation CollectContent($input: ContentCollectInput) {
    contentCollect(input: $input) {
      task {
        id
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

const Verify = graphql(`
  mutation VerifyContent {
    contentVerify {
      task {
        id
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

/** Clean-up and verification. */
export function UpkeepPage() {
  const navigate = useNavigate();
  const all = useMay()('ROOT');
  const collection = useSubmit(Collect, (data) => data.contentCollect);
  const verification = useSubmit(Verify, (data) => data.contentVerify);
  const open = (task: { readonly id: string } | null | undefined) =>
    task == null ? undefined : navigate({ to: '/tasks/$id', params: { id: task.id } });
  const collect = async (dryRun: boolean) => open((await collection.submit({ input: { dryRun } }))?.task);
  const mistakes = [...collection.elsewhere(), ...verification.elsewhere()];
  return (
    <Page title="Upkeep" subtitle="Syncs, pushes and pulls continue meanwhile">
      <SimpleGrid cols={{ base: 1, sm: 2 }} mb="lg">
        <Panel title="Clean-up">
          <Text size="sm">
            Removes versions beyond the number to keep, then content that no version, upload or running sync
            references, after the grace period.
          </Text>
          {all ? (
            <Group gap="xs" mt="sm">
              <Button variant="default" loading={collection.busy} onClick={() => void collect(true)}>
                Count what would go
              </Button>
              <Button loading={collection.busy} onClick={() => void collect(false)}>
                Clean up
              </Button>
            </Group>
          ) : null}
        </Panel>
        <Panel title="Verification">
          <Text size="sm">
            Reads and hashes all stored content. Damaged content is removed; the next sync or push stores it
            again.
          </Text>
          {all ? (
            <Group gap="xs" mt="sm">
              <Button
                loading={verification.busy}
                onClick={() => void verification.submit({}).then((done) => open(done?.task))}
              >
                Verify
              </Button>
            </Group>
          ) : null}
        </Panel>
      </SimpleGrid>
      {all ? null : (
        <Text size="sm" c="dimmed" mb="md">
          Starting either needs the role admin for everything.
        </Text>
      )}
      {mistakes.map((message) => (
        <Text key={message} c="var(--tone-bad)" size="sm" role="alert">
          {message}
        </Text>
      ))}
      <Problem error={collection.error ?? verification.error} />
      <UpkeepTasks />
    </Page>
  );
}
