-- Exchanges a session's refresh secret for its successor, which is a use of the session. The direct
-- predecessor of the current secret is known by its successor, and within the grace it gets the same
-- answer again: two tabs refreshed at once, or the answer was lost. Any older secret was used before, by
-- its owner or by a thief: nobody can tell which, so the session ends for both.
--
-- KEYS   1: the session (hash)  2: the account's sessions (sorted set: id by expiry in milliseconds)
-- ARGV   1: session id  2: hash presented  3: hash of its successor  4: issued at  5: address
--        6: grace  7: idle lifetime, both in milliseconds
-- reply  session-ended | rotated, when it expires in milliseconds | replayed, issued at | reused

local current, rotated_at, issued_at, ends_at =
  unpack(redis.call('HMGET', KEYS[1], 'refreshHash', 'rotatedAtMs', 'issuedAtMs', 'endsAtMs'))
if not current then return { 'session-ended' } end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local as_text = function(number) return string.format('%.0f', number) end

if current == ARGV[2] then
  -- A session opened before its end was kept ends when its key would have.
  ends_at = tonumber(ends_at or nil) or now + redis.call('PTTL', KEYS[1])
  local left = math.max(1, math.min(tonumber(ARGV[7]), ends_at - now))
  redis.call('HSET', KEYS[1], 'refreshHash', ARGV[3], 'rotatedAtMs', as_text(now), 'issuedAtMs', ARGV[4],
    'address', ARGV[5], 'lastSeenAtMs', as_text(now), 'endsAtMs', as_text(ends_at))
  redis.call('PEXPIRE', KEYS[1], left)
  redis.call('ZADD', KEYS[2], as_text(now + left), ARGV[1])
  if redis.call('PTTL', KEYS[2]) < left then redis.call('PEXPIRE', KEYS[2], left) end
  return { 'rotated', as_text(now + left) }
end

if current == ARGV[3] and rotated_at and now - tonumber(rotated_at) < tonumber(ARGV[6]) then
  return { 'replayed', issued_at }
end

redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return { 'reused' }
