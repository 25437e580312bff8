import { Link } from '@tanstack/react-router';
import { Empty } from '../shared/empty.tsx';
import { Page } from '../shared/page.tsx';

export function Lost() {
  return (
    <Page title="No such page">
      <Empty title="Nothing is at this address">
        Check it, or begin at the <Link to="/">overview</Link>.
      </Empty>
    </Page>
  );
}
