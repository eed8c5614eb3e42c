import { chmod, mkdir, mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { installMissing } from './install-missing.ts'

async function machineWith(aptGet: string | undefined, isRoot: boolean) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'guichet-apt-'))
  const bin = join(folder.path, 'bin')
  const libraries = join(folder.path, 'lib')
  await Promise.all([mkdir(bin), mkdir(libraries)])
  if (aptGet !== undefined) {
    await writeFile(join(bin, 'apt-get'), `#!/bin/sh\ncd ${folder.path}\n${aptGet}\n`)
    await chmod(join(bin, 'apt-get'), 0o755)
  }
  // /bin is for what the pretended apt-get calls; none of the programs may be found there.
  const machine = { path: bin, libraries, isRoot, policyFile: join(folder.path, 'policy-rc.d') }
  return { ...machine, folder: folder.path, [Symbol.asyncDispose]: () => folder.remove() }
}

const pretendInstall = `PATH=/usr/bin:/bin
echo "$@" >> calls
cat policy-rc.d > seen-policy
case "$*" in
  *install*)
    for program in redis-server mariadbd mariadb-install-db chromium prometheus promtool nginx caddy openssl; do
      touch bin/$program; chmod +x bin/$program
    done
    mkdir -p lib/any/faketime; touch lib/any/faketime/libfaketime.so.1 ;;
esac`

test('as root on Debian what is missing is installed at once, and no service is started by it', async () => {
  await using machine = await machineWith(pretendInstall, true)
  expect(installMissing(machine)).toEqual([])
  const calls = (await readFile(join(machine.folder, 'calls'), 'utf8')).trim().split('\n')
  expect(calls).toHaveLength(2)
  expect(calls[0]).toMatch(/ update$/)
  expect(calls[1]).toMatch(
    / redis-server mariadb-server chromium prometheus nginx-light caddy libfaketime openssl$/,
  )
  expect(await readFile(join(machine.folder, 'seen-policy'), 'utf8')).toContain('exit 101')
  expect(await readdir(machine.folder)).not.toContain('policy-rc.d')
  // Now that all is there, apt is left alone.
  expect(installMissing(machine)).toEqual([])
  expect((await readFile(join(machine.folder, 'calls'), 'utf8')).trim().split('\n')).toHaveLength(2)
})

test.each([
  ['without root', pretendInstall, false],
  ['without apt', undefined, true],
  ['when apt fails', 'exit 100', true],
])('%s each missing program gets a line with its cure', async (_, aptGet, isRoot) => {
  await using machine = await machineWith(aptGet, isRoot)
  expect(installMissing(machine)).toEqual([
    'redis-server is missing: apt-get install redis-server',
    'mariadbd is missing: apt-get install mariadb-server',
    'mariadb-install-db is missing: apt-get install mariadb-server',
    'chromium is missing: apt-get install chromium',
    'prometheus is missing: apt-get install prometheus',
    'promtool is missing: apt-get install prometheus',
    'nginx is missing: apt-get install nginx-light',
    'caddy is missing: apt-get install caddy',
    'libfaketime.so.1 is missing: apt-get install libfaketime',
    'openssl is missing: apt-get install openssl',
  ])
})
