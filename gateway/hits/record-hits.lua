--[[
Counts one batch of hits exactly once.

KEYS  1 sender     string: the sequence of the sender's last counted batch
      2 services   hash: calls by service
      3 accounts   sorted set: account ids by calls
      4 recent     list: calls as JSON, newest first

ARGV  1 sequence of this batch
      2 seconds to remember the sender
      3 calls to keep in `recent`
      4 number of services S
      5 number of accounts A
      then S times: service, calls
      then A times: account id, calls
      then the calls as JSON, oldest first

Reply 1 counted now, 0 already counted: nothing was changed
]]
local sequence = tonumber(ARGV[1])
if sequence <= tonumber(redis.call('GET', KEYS[1]) or '0') then
  return 0
end

-- A script that fails half-way is not undone, so what could make a later line fail is mended first.
for key, kind in pairs({ [KEYS[2]] = 'hash', [KEYS[3]] = 'zset', [KEYS[4]] = 'list' }) do
  local found = redis.call('TYPE', key).ok
  if found ~= kind and found ~= 'none' then
    redis.call('DEL', key)
  end
end
redis.call('SET', KEYS[1], sequence, 'EX', ARGV[2])

local at = 6
for _ = 1, tonumber(ARGV[4]) do
  local counted = redis.pcall('HINCRBY', KEYS[2], ARGV[at], ARGV[at + 1])
  if type(counted) == 'table' and counted.err then
    redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
  end
  at = at + 2
end
for _ = 1, tonumber(ARGV[5]) do
  redis.call('ZINCRBY', KEYS[3], ARGV[at + 1], ARGV[at])
  at = at + 2
end
if at <= #ARGV then
  for i = at, #ARGV do
    redis.call('LPUSH', KEYS[4], ARGV[i])
  end
  redis.call('LTRIM', KEYS[4], 0, ARGV[3] - 1)
end
return 1
