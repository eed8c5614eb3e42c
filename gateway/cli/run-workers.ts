import { fileURLToPath } from 'node:url'
import { randomAdminToken } from '../admin/admin-token.ts'
import { openPrimary } from '../workers/primary.ts'
import { printBanner } from './banner.ts'
import { onHangup } from './on-hangup.ts'
import { reloadConfig } from './reload.ts'
import type { Start } from './run.ts'

/** The primary: starts workers, and hands them the configuration, signals and each other's figures. */
export async function runWorkers({ file, config, log, stopped }: Start): Promise<void> {
  const adminToken = randomAdminToken()
  await using primary = await openPrimary(config, {
    exec: fileURLToPath(new URL('../main.ts', import.meta.url)),
    args: ['worker'],
    ...{ adminToken, log },
  })
  onHangup(() =>
    reloadConfig({
      ...{ file, log },
      async take(next) {
        await primary.reload(next)
        log.level = next.log.level
      },
      refused: () => primary.configRefused(),
    }),
  )
  const { url, adminUrl, checkUrl } = primary.places
  printBanner({
    gateway: url,
    admin: adminUrl,
    ...(checkUrl === null ? {} : { check: checkUrl }),
    ...(config.admin.token === null ? { adminToken } : {}),
  })
  await Promise.race([stopped, primary.givenUp])
}
