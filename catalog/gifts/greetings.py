"""What a giver may say with a gift: one of these. A free text would be a way for anybody to write to anybody through us."""

GREETINGS: dict[str, dict[str, str]] = {
    "birthday": {"zh-CN": "生日快乐！", "en": "Happy birthday!"},
    "festival": {"zh-CN": "节日快乐！", "en": "Happy holidays!"},
    "thanks": {"zh-CN": "谢谢您！", "en": "Thank you!"},
    "wishes": {"zh-CN": "祝一切顺利！", "en": "All the best!"},
}
