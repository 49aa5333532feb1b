// How Allure 3 draws a report folder. reports/html.py starts it and hands over what differs from run to run.
const { OPSVERIFY_NAME, OPSVERIFY_HISTORY, OPSVERIFY_OUTPUT } = process.env;

export default {
  name: OPSVERIFY_NAME,
  output: OPSVERIFY_OUTPUT,
  historyPath: OPSVERIFY_HISTORY,
  historyLimit: 100,
  // The first that matches counts; the words are those of the gate.
  categories: [
    { name: "waived", matchers: { statuses: ["failed"], labels: { waiver: /./ } }, groupBy: ["severity"] },
    { name: "bad", matchers: { statuses: ["failed"] }, groupBy: ["severity"], expand: true },
    { name: "could not look", matchers: { statuses: ["broken"] }, groupBy: ["severity"], expand: true },
    { name: "no result", matchers: { statuses: ["unknown"] }, groupBy: ["severity"], expand: true },
    { name: "gap", matchers: { statuses: ["skipped"] }, groupByMessage: true },
  ],
  plugins: {
    awesome: {
      options: {
        // One file can be mailed, uploaded by CI and opened from a disk.
        singleFile: true,
        reportName: OPSVERIFY_NAME,
        reportLanguage: "en",
        groupBy: ["feature", "story"],
      },
    },
  },
};
