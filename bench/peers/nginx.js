// Writes the configuration of nginx with its Lua module and of its one worker, and starts it.
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { job, listening } from './job.js'

const here = dirname(fileURLToPath(import.meta.url))
const folder = join(dirname(process.argv[2]), 'nginx')
mkdirSync(folder, { recursive: true })

const route = (path, admit) => `
    location ${path} {
      ${admit}
      proxy_pass http://stub;
    }`

writeFileSync(
  join(folder, 'nginx.conf'),
  `load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
daemon off;
# One process, so that its processor time is all there is.
master_process off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  lua_package_path "${here}/?.lua;/usr/share/lua/5.1/?.lua;;";
  lua_shared_dict tokens 32m;
  lua_shared_dict denials 32m;
  init_by_lua_block {
    limit = require 'nginx'
    limit.secret = '${job.secret}'
    limit.redis_port = ${new URL(job.redisUrl).port}
  }
  upstream stub {
    server ${new URL(job.upstreamUrl).host};
    keepalive 128;
    keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:${job.port};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header X-Forwarded-For $remote_addr;
    ${route('/bare', '')}
    ${route('/admitted', "access_by_lua_block { limit.admit('admitted', 1000000, 1) }")}
    ${route('/denied', `access_by_lua_block { limit.admit('denied', ${job.quota}, ${job.windowSeconds}) }`)}
  }
}
`,
)

const nginx = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'inherit' })
nginx.on('exit', (code) => process.exit(code ?? 1))
process.on('SIGTERM', () => nginx.kill())

function whenOpen() {
  const socket = connect(job.port, '127.0.0.1', () => {
    socket.destroy()
    listening({ pid: nginx.pid })
  })
  socket.on('error', () => setTimeout(whenOpen, 50))
}
whenOpen()
