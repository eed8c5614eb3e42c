-- Ends every session of an account but one, those opened in the same instant included.
--
-- KEYS   1: the account's sessions (sorted set)
-- ARGV   1: what a session's key begins with; the id follows. All lie on the slot of KEYS[1].
--        2: id of the session that stays, or empty
-- reply  two lists: ids of the sessions that were alive, ids of those that had gone before

local ended, gone = {}, {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if id ~= ARGV[2] then
    local list = redis.call('DEL', ARGV[1] .. id) == 1 and ended or gone
    list[#list + 1] = id
    redis.call('ZREM', KEYS[1], id)
  end
end
return { ended, gone }
