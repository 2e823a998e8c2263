# The first sign-up and sign-in. Run: pip install ./python && python first_login.py
import doorward

auth = doorward.open(database="sqlite:doorward.db", provider={"email": {"kind": "password"}})

proof = auth.create_user("email", "ada@example.com", {"password": "plum tractors hum at noon"}).require()
session = auth.create_session(proof).require()
for name, value in session.headers:
    print(f"{name}: {value}")
