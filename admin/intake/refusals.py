"""Why a file that was sent is not taken, or not taken in."""

from base.errors import Conflict, Invalid, NotAllowed, NotFound


class ImportUnknown(NotFound):
    """There is no such file."""

    zh = "没有该导入文件。"


class JobUnknown(NotFound):
    """There is no such job."""

    zh = "没有该任务。"


class FileNotCsv(Invalid):
    """This is a workbook or an archive, not a CSV file."""

    zh = "这是电子表格或压缩文件，不是 CSV 文件。"
    next_en = "Open it and save the sheet as CSV (UTF-8), then send that file."
    next_zh = "请打开后将工作表另存为 CSV（UTF-8），再上传该文件。"


class FileTooLong(Invalid):
    """The file has too many rows or bytes for a page."""

    zh = "文件的行数或大小超过页面导入的上限。"
    next_en = "Send it in parts, or take it in on the command line."
    next_zh = "请分批上传，或用命令行导入。"


class FileNotThere(Conflict):
    """The file itself is no longer kept."""

    zh = "文件本身已不再保存。"
    next_en, next_zh = (
        "Send it again: what was done with it stays as it is.",
        "请重新上传；此前的处理结果不受影响。",
    )


class ColumnsNotMapped(Invalid):
    """Not every column that is needed has one of the file's."""

    zh = "必需的列尚未全部对应。"
    next_en, next_zh = "Choose a column of the file for each of them.", "请为每个必需的列选择文件中的一列。"


class MappedOnceTaken(Conflict):
    """Rows of this file may be taken in already: its columns stay as they are mapped."""

    zh = "该文件可能已有数据入库，列的对应关系不能再改。"
    next_en, next_zh = "Send the file again to map it otherwise.", "如需更改对应关系，请重新上传文件。"


class TriedFirst(Conflict):
    """Before a file is taken in there is a dry run of it as it is mapped now."""

    zh = "正式导入前，须先按当前对应关系试运行。"
    next_en, next_zh = "Have a dry run and look at what it says.", "请先试运行并查看结果。"


class NothingToTakeIn(Conflict):
    """No row of this file would change anything."""

    zh = "文件中没有会带来变动的数据。"
    next_en = "Look at the rows that are refused; correct them and send the error file."
    next_zh = "请查看被拒绝的行，更正后上传错误文件。"


class DataMoved(Conflict):
    """The data have moved since the dry run: it would bring something else now. Nothing was taken in."""

    zh = "试运行之后数据已有变化，导入结果将不同。没有导入任何数据。"
    next_en, next_zh = "Have another dry run and look at it again.", "请重新试运行并再次核对。"


class JobUnderWay(Conflict):
    """A job is under way for this file."""

    zh = "该文件已有任务在进行。"
    next_en, next_zh = "Wait for its end, or cancel it.", "请等待其结束，或取消该任务。"


class JobEnded(Conflict):
    """This job has ended already."""

    zh = "该任务已经结束。"


class NotTakenBack(Conflict):
    """This file is not taken back as a whole."""

    zh = "该文件不能整体撤回。"
    next_en = "The page of the file says how its rows are put right."
    next_zh = "该文件的页面说明了如何逐条更正。"


class RowsOfOthers(Conflict):
    """Some rows of this file were in the books before it came: taking it back would take back what it did not bring."""

    zh = "该文件中有数据在导入前已在账，整体撤回会撤回不是由它带来的内容。"
    next_en, next_zh = "Send corrections of the lines that are wrong.", "请对有误的账单明细报送更正。"


class TouchedSince(Conflict):
    """Rows of this file were touched since: points spent, held or lapsed, lines corrected or paid. Nothing was taken back."""

    zh = "导入之后已有积分被使用、冻结或到期，或账单明细已被更正或缴费。没有撤回任何数据。"
    next_en = "Look at the rows that are named; send corrections of the lines that are wrong, which may leave a debt."
    next_zh = "请查看所列的行；对有误的账单明细报送更正，已用掉的积分将记为欠分。"


class TakenBack(Conflict):
    """This file was taken back."""

    zh = "该文件已撤回。"
    next_en = "A line of a bill counts once: send corrections for those lines that are right after all."
    next_zh = "每条账单明细只记一次；如有正确的明细，请报送更正。"


class SecondPersonNeeded(NotAllowed):
    """This file brings points: another person than its sender takes it in."""

    zh = "该文件会带来积分，须由上传人以外的另一人确认导入。"
    next_en = "Ask somebody who may take such files in to open this page."
    next_zh = "请让有确认导入权限的同事打开本页操作。"
