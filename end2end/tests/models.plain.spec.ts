// Models without a script: forms, redirects, pages.
import { stories } from './models';

stories(async () => {});
