"""The racer: routes driven and searched by compiled code that knows every rule of the referee."""
