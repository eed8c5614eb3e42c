import { openGateway } from '../compose.ts'
import { printBanner } from './banner.ts'
import { onHangup } from './on-hangup.ts'
import { reloadConfig } from './reload.ts'
import type { Start } from './run.ts'
import { surviveStrayErrors } from './survive-stray-errors.ts'

/** The gateway in this process. */
export async function runAlone({ file, config, log, stopped }: Start): Promise<void> {
  await using gateway = await openGateway(config, log)
  surviveStrayErrors(log)
  onHangup(() =>
    reloadConfig({
      ...{ file, log },
      async take(next) {
        await gateway.reload(next)
        gateway.configReloaded(true)
        log.level = next.log.level
      },
      refused: () => gateway.configReloaded(false),
    }),
  )
  printBanner({
    gateway: gateway.url,
    admin: gateway.adminUrl,
    ...(gateway.checkUrl === null ? {} : { check: gateway.checkUrl }),
    ...(config.admin.token === null ? { adminToken: gateway.adminToken } : {}),
  })
  await stopped
}
