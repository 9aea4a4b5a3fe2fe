"""What the tests share: starting servers, talking raw HTTP, looking at processes."""
