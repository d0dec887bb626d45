{% extends "worker.js" %}
{% block says %}Keeps the till's shell: files that never change under their address, and the page for a time without a network. What the
// server says about a voucher, a day or a shift is never kept, so that nothing old can look fresh.{% endblock %}
{% block ours %}const ours = (path) => path.startsWith("/till");{% endblock %}
{% block offline %}const offline = async () => page(await told());{% endblock %}
