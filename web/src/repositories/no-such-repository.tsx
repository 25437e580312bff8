import { Link } from '@tanstack/react-router';
import { Empty } from '../shared/empty.tsx';
import { Page } from '../shared/page.tsx';

export function NoSuchRepository({ name }: { readonly name: string }) {
  return (
    <Page title={name}>
      <Empty title={`Repository "${name}" was not found`}>
        It does not exist, or your role does not let you see it. Look for it in the{' '}
        <Link to="/repositories">list of repositories</Link>.
      </Empty>
    </Page>
  );
}
