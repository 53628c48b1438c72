// Browser tests of what people see. Run from this folder: `npx playwright test`.
//   GF_DIST   folder of the built server (default ../dist)
//   CHROMIUM  browser to use (default: Chromium's headless shell, or the whole Chromium where that is not installed)
import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';

// The same engine without the windows around pages, which take as much of the processor as the pages do.
const SHELL = '/usr/bin/chromium-headless-shell';

export default defineConfig({
  testDir: 'tests',
  outputDir: 'results',
  globalSetup: './tests/servers.ts',
  reporter: 'list',
  workers: 2,
  fullyParallel: true,
  retries: 0,
  forbidOnly: true,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  use: {
    browserName: 'chromium',
    viewport: { width: 1440, height: 900 },
    locale: 'en-US',
    timezoneId: 'UTC',
    colorScheme: 'light',
    screenshot: 'only-on-failure',
    actionTimeout: 15_000,
    navigationTimeout: 30_000,
    launchOptions: {
      executablePath: process.env.CHROMIUM || (existsSync(SHELL) ? SHELL : '/usr/bin/chromium'),
      args: [
        '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync',
      ],
    },
  },
  projects: [
    { name: 'plain', testMatch: '*.plain.spec.ts', use: { javaScriptEnabled: false } },
    { name: 'alive', testMatch: '*.alive.spec.ts' },
  ],
});
