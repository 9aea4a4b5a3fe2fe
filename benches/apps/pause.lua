-- A client that thinks for a moment before its next request.
function delay()
   return 4
end
