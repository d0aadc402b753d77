import pytest

from triggers_project.mail import MailServer, mail_server


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("", MailServer()),
        ("smtp://mail.example", MailServer("mail.example", 25)),
        ("smtp+tls://me:p%40ss@mail.example", MailServer("mail.example", 587, "me", "p@ss", starttls=True)),
        ("smtps://me@mail.example:1465", MailServer("mail.example", 1465, "me", tls=True)),
    ],
)
def test_a_mail_server_is_one_url(url: str, found: MailServer) -> None:
    assert mail_server(url) == found
