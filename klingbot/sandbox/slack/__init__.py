"""The local Slack: the Web API, slash commands over Socket Mode or HTTP, response_urls, and Slack's own limits.

`local_slack` puts it together around one `workspace`, which holds who is there and what has been said.
"""
